"""Cells given by their signs: interior points, extreme rays, facets and neighbours."""
