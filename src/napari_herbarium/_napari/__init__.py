"""Reader, sample and widgets for napari; no other package knows of napari or Qt."""
