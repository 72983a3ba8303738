"""The executor that `fabric.yml` names: its address is in every project, and stays."""

from provisioning.cli.executor import FleetExecutor

__all__ = ["FleetExecutor"]
