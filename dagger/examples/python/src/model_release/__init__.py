"""A module of a platform team that uses modelcars: it pushes a model and gives the line that a deployment needs."""

from .main import ModelRelease as ModelRelease
