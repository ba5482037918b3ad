"""Which sheets a run is about, and how they come here."""
