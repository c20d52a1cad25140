"""What the box has and how it fares, in sentences: `barocast doctor`."""
