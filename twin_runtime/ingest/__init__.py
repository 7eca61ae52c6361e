"""From bytes to readings: channels, decoding, validation, and up to when the streams are complete."""
