"""What a forecast is worth: events, labels, calibrators, metrics, alarm burden. numpy in, numpy out."""
