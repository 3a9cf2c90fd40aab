"""Data: toy generators, real images, and readers for a person's own files, all as one :class:`Dataset`."""

from .catalogue import DatasetInfo, dataset_info, dataset_names, load_dataset
from .dataset import Dataset
from .npz import read_npy, read_npz
from .preprocessing import Preprocessing
from .readers import ENDINGS, read_dataset, read_dataset_bytes, save_dataset, saved_as

__all__ = [
    "ENDINGS",
    "Dataset",
    "DatasetInfo",
    "Preprocessing",
    "dataset_info",
    "dataset_names",
    "load_dataset",
    "read_dataset",
    "read_dataset_bytes",
    "read_npy",
    "read_npz",
    "save_dataset",
    "saved_as",
]
