"""What pyproject.toml cannot say: networks/ and scenarios/ travel in a wheel as data of the package."""

from setuptools import find_packages, setup

BUILT_IN = {f"cosim.builtin.{shelf}": shelf for shelf in ("networks", "scenarios")}

setup(packages=[*find_packages(include=["cosim", "cosim.*"]), *BUILT_IN], package_dir=BUILT_IN)
