"""What templates may ask of degradation flags."""
