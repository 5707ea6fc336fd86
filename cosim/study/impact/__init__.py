"""What a feeder can host: technologies by penetration, modes of control, quality of communication."""
