"""The report of a validation as people read it: pictures, the page, the checklist."""
