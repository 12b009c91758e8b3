"""A trained network as a file for other programs: ONNX with its encoder inside, or torch's own state dictionary."""
