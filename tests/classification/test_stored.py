"""Reading a duty model without scikit-learn: the same arrays, from files that may be hostile."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skops.io
from sklearn.linear_model import LogisticRegression

from jdextract.classification import stored
from jdextract.classification.features import fold_duty, make_features, read_texts
from jdextract.classification.learned import Learned
from jdextract.classification.model import DutyModel, share_out
from jdextract.classification.storage import PIPELINE, load_model, save_model
from jdextract.classification.stored import StoredObject, StoredType, UnknownContent, read_stored
from jdextract.errors import ModelError
from tests.classification.conftest import DRAFT, Small, cut

SHIPPED = Path(__file__).parents[2] / "models" / "duty-role"
TEXTS = [json.loads(line)["text"] for line in DRAFT.read_text(encoding="utf-8").splitlines()[:100]]
Tree = dict[str, Any]


@pytest.fixture(scope="module")
def saved(small_model: DutyModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    save_model(small_model, folder, {"note": "small"}, "# card\n")
    return folder


@pytest.fixture
def copied(saved: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(saved, tmp_path / "model"))


@pytest.fixture
def no_skops(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make every use of skops fail."""
    for name in ("load", "get_untrusted_types"):
        monkeypatch.setattr(skops.io, name, lambda *_, **__: pytest.fail("skops was asked"))


@pytest.mark.parametrize("shipped", [True, False])
def test_same_as_skops(saved: Path, shipped: bool) -> None:
    """Every attribute and every array is, to the last bit, what skops loads."""
    path = (SHIPPED if shipped else saved) / PIPELINE
    agree(read_stored(path), skops.io.load(path, trusted=[]))


def agree(found: Any, wanted: Any) -> None:
    if isinstance(found, StoredObject):
        assert found.name == f"{type(wanted).__module__}.{type(wanted).__qualname__}"
        agree(found.attributes, wanted.__getstate__())
    elif isinstance(found, StoredType):
        assert found.name == f"{wanted.__module__}.{wanted.__qualname__}"
    elif isinstance(found, np.ndarray):
        assert (found.dtype, found.shape, found.tobytes()) == (wanted.dtype, wanted.shape, wanted.tobytes())
    elif isinstance(found, dict):
        assert found.keys() == wanted.keys()
        for key, value in found.items():
            agree(value, wanted[key])
    elif isinstance(found, (list, tuple)):
        assert (type(found), len(found)) == (type(wanted), len(wanted))
        for one, other in zip(found, wanted, strict=True):
            agree(one, other)
    else:
        assert (type(found), found) == (type(wanted), wanted)


@pytest.mark.usefixtures("no_skops")
def test_no_skops_for_a_model_of_ours(saved: Path, small: Small, small_model: DutyModel) -> None:
    """A saved model classifies and tells its evidence without skops, with the numbers of the model that was saved."""
    loaded = load_model(saved, small.taxonomy, cut)
    np.testing.assert_array_equal(loaded.log_probabilities(TEXTS), small_model.log_probabilities(TEXTS))
    roles = [loaded.roles[0]] * len(TEXTS)
    assert loaded.find_evidence(TEXTS, roles, 9) == small_model.find_evidence(TEXTS, roles, 9)


def test_pipeline_on_demand(saved: Path, small: Small, small_model: DutyModel) -> None:
    """The scikit-learn pipeline of a loaded model is there when it is asked for, and can be saved again."""
    loaded = load_model(saved, small.taxonomy, cut)
    vocabularies = [
        model.pipeline["features"].named_transformers_["words"].vocabulary_ for model in (loaded, small_model)
    ]
    assert vocabularies[0] == vocabularies[1]


def test_another_learner(copied: Path, small: Small, small_model: DutyModel) -> None:
    """A pipeline of another learner, which is not read here, comes through skops, with its own decision values."""
    learner = LogisticRegression(max_iter=50)
    texts = read_texts([fold_duty(text) for text in TEXTS], cut)
    classes = small_model.learned.classes
    learner.fit(small_model.pipeline["features"].transform(texts), np.resize(classes, len(TEXTS)))
    save_pipeline(small_model, copied, learner=learner)
    with pytest.raises(UnknownContent, match="LogisticRegression"):
        read_stored(copied / PIPELINE)
    loaded = load_model(copied, small.taxonomy, cut)
    wanted = share_out(loaded.pipeline.decision_function(texts), loaded.pipeline.classes_, loaded.settings)
    np.testing.assert_allclose(loaded.log_probabilities(TEXTS), wanted, atol=1e-5)


def test_features_of_another_kind(copied: Path, small: Small, small_model: DutyModel) -> None:
    """Vectorisers that are set otherwise than ours are asked themselves."""
    texts = read_texts([fold_duty(text) for text in TEXTS], cut)
    features = make_features((1, 2), (1, 1), 1).set_params(words__norm="l1").fit(texts)
    learner = LogisticRegression(max_iter=50)
    learner.fit(features.transform(texts), np.resize(small_model.learned.classes, len(TEXTS)))
    save_pipeline(small_model, copied, learner=learner, features=features)
    loaded = load_model(copied, small.taxonomy, cut)
    assert loaded._fast is None
    wanted = share_out(loaded.pipeline.decision_function(texts), loaded.pipeline.classes_, loaded.settings)
    np.testing.assert_allclose(loaded.log_probabilities(TEXTS), wanted, atol=1e-5)


def save_pipeline(model: DutyModel, folder: Path, learner: Any, features: Any = None) -> None:
    from sklearn.pipeline import Pipeline

    pipeline = Pipeline([("features", features or model.pipeline["features"]), ("roles", learner)])
    own = (model.learned, model.taxonomy, model.settings, model.prior, model.version, cut)
    save_model(DutyModel(*own, lambda: pipeline), folder, {}, "")


def test_two_classes() -> None:
    """Of two classes scikit-learn keeps one row of weights; here each class has its own."""
    from sklearn.pipeline import Pipeline
    from sklearn.svm import LinearSVC

    texts = read_texts(["审核 凭证", "审核 报表", "包装 货物", "包装 商品"], str.split)
    pipeline = Pipeline([("features", make_features((1, 2), (1, 1), 1)), ("roles", LinearSVC())])
    pipeline.fit(texts, np.array(["accountant", "accountant", "warehouse-keeper", "warehouse-keeper"]))
    learned = Learned.read(pipeline)
    decisions = pipeline["features"].transform(texts) @ learned.weights + learned.intercepts
    assert learned.classes[decisions.argmax(axis=1)].tolist() == pipeline.predict(texts).tolist()
    np.testing.assert_allclose(decisions[:, 1], pipeline.decision_function(texts))


FRESH = """
import sys
from pathlib import Path
from jdextract.pipeline import Pipeline
classifier = Pipeline().classifier
roles = classifier.classify(["负责商品的上架、下架和价格维护"])
classifier.find_evidence(["负责商品的上架、下架和价格维护"], roles, 3)
assert roles[0].id == "merchandising"
print(sorted({"sklearn", "skops", "pandas", "scipy.stats", "scipy.special", "joblib", "spacy"} & set(sys.modules)))
"""


def test_what_is_imported() -> None:
    """A fresh interpreter that classifies a sentence and tells why holds nothing of scikit-learn and what comes with it."""
    done = subprocess.run([sys.executable, "-c", FRESH], capture_output=True, text=True, timeout=120, check=False)
    assert (done.stdout.strip(), done.stderr) == ("[]", "")


class Planted:
    """A type that no model needs."""


def test_planted_deep_inside(copied: Path, small: Small, small_model: DutyModel) -> None:
    """A type that is not trusted is refused by name wherever it stands in a pipeline of ours."""
    learner = small_model.pipeline["roles"]
    learner.planted = Planted()
    try:
        save_pipeline(small_model, copied, learner)
    finally:
        del learner.planted
    with pytest.raises(ModelError, match=r"not trusted.*Planted"):
        load_model(copied, small.taxonomy, cut)


def rewrite(path: Path, change: Callable[[dict[str, bytes], Tree], None]) -> None:
    """Change the members of an archive (without the schema) and its schema."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    schema = json.loads(members.pop("schema.json"))
    change(members, schema)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in {**members, "schema.json": json.dumps(schema).encode()}.items():
            archive.writestr(name, data)


def node_of(tree: Any, attribute: str) -> Tree:
    """The first node of an attribute in a schema."""
    found = find(tree, attribute)
    assert found is not None
    return found


def find(tree: Any, attribute: str) -> Tree | None:
    if isinstance(tree, dict) and isinstance(tree.get(attribute), dict):
        return dict.__getitem__(tree, attribute)
    inner = tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ()
    return next((found for found in (find(node, attribute) for node in inner) if found is not None), None)


def npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def put(attribute: str, data: bytes | np.ndarray) -> Callable[[dict[str, bytes], Tree], None]:
    def change(members: dict[str, bytes], schema: Tree) -> None:
        members[node_of(schema, attribute)["file"]] = data if isinstance(data, bytes) else npy(data)

    return change


def cut_weights(members: dict[str, bytes], schema: Tree) -> None:
    name = node_of(schema, "coef_")["file"]
    members[name] = members[name][:-4]


def claim_more(members: dict[str, bytes], schema: Tree) -> None:
    """A header that would have NumPy take 40 terabytes."""
    name = node_of(schema, "intercept_")["file"]
    header = {"descr": "<f4", "fortran_order": False, "shape": (10**13,)}
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, header)
    members[name] = buffer.getvalue() + b"\0" * 24


def drop_file(members: dict[str, bytes], schema: Tree) -> None:
    del members[node_of(schema, "coef_")["file"]]


def nest(members: dict[str, bytes], schema: Tree) -> None:
    node = {"__class__": "list", "__module__": "builtins", "__loader__": "ListNode", "content": []}
    for _ in range(200):
        node = {**node, "content": [node]}
    node_of(schema, "memory").update(node, __id__=1)


def forget_the_learner(members: dict[str, bytes], schema: Tree) -> None:
    del node_of(schema, "steps")["content"][1]


def repeat_grams(members: dict[str, bytes], schema: Tree) -> None:
    name = node_of(schema, "vocabulary_")["file"]
    grams = np.load(io.BytesIO(members[name]))
    members[name] = npy(np.full_like(grams, grams[0]))


def long_grams(members: dict[str, bytes], schema: Tree) -> None:
    name = node_of(schema, "vocabulary_")["file"]
    grams = np.load(io.BytesIO(members[name]))
    members[name] = npy(np.array([*grams[:-1].tolist(), "a b c d"]))


HOSTILE = {
    "pickled": (put("intercept_", npy(np.array([Planted, 1], dtype=object))), "array of object"),
    "wrong shape": (put("intercept_", np.zeros(3, dtype=np.float32)), "do not fit"),
    "wrong dimensions": (put("coef_", np.zeros((2, 2, 2), dtype=np.float32)), "do not fit"),
    "no numbers": (put("classes_", np.zeros((2, 2), dtype=np.float32)), "do not fit"),
    "text for weights": (put("idf_", np.array(["a", "b"])), "could not convert"),
    "no array": (put("coef_", b"{}"), "EOF|magic"),
    "an archive": (put("coef_", b"PK\x03\x04" + b"\0" * 100), "magic"),
    "truncated": (cut_weights, "not of its shape"),
    "huge claim": (claim_more, "not of its shape"),
    "missing file": (drop_file, "no item named"),
    "nested": (nest, "nodes within nodes"),
    "no learner": (forget_the_learner, "roles"),
    "repeated n-grams": (repeat_grams, "twice"),
    "long n-grams": (long_grams, "not of 1 to 2 items"),
    "no tree": (lambda members, schema: schema.clear(), "__loader__"),
}


@pytest.mark.usefixtures("no_skops")
@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile(copied: Path, small: Small, kind: str) -> None:
    """Damaged and hostile files are ModelErrors with place and hint that say what is wrong; skops never sees them."""
    change, message = HOSTILE[kind]
    with zipfile.ZipFile(copied / PIPELINE) as archive:
        assert archive.testzip() is None
    rewrite(copied / PIPELINE, change)
    with pytest.raises(ModelError, match=message) as caught:
        load_model(copied, small.taxonomy, cut)
    assert (caught.value.where, bool(caught.value.hint)) == (str(copied), True)


def test_rewriting_alone_does_no_harm(copied: Path, small: Small) -> None:
    """The hostile files above are refused for their change, not for being written anew."""
    rewrite(copied / PIPELINE, lambda members, schema: None)
    assert load_model(copied, small.taxonomy, cut).roles


@pytest.mark.usefixtures("no_skops")
@pytest.mark.parametrize("limit", ["_LARGEST", "_LARGEST_SCHEMA"])
def test_too_large(copied: Path, small: Small, monkeypatch: pytest.MonkeyPatch, limit: str) -> None:
    """A file that would unpack to more than the bound is refused before anything of it is unpacked."""
    monkeypatch.setattr(stored, limit, 10_000)
    monkeypatch.setattr(zipfile.ZipFile, "read", lambda *_: pytest.fail("was unpacked"))
    with pytest.raises(ModelError, match="more than 10,000 bytes"):
        load_model(copied, small.taxonomy, cut)


@pytest.mark.usefixtures("no_skops")
def test_every_truncation_and_flip(copied: Path, small: Small) -> None:
    """A file cut anywhere, or with a few bytes changed, is a ModelError or gives the model as it was."""
    whole = (copied / PIPELINE).read_bytes()
    random = np.random.default_rng(3)
    for size in np.linspace(0, len(whole) - 1, 40).astype(int).tolist():
        (copied / PIPELINE).write_bytes(whole[:size])
        with pytest.raises(ModelError, match="model"):
            load_model(copied, small.taxonomy, cut)
    refused = 0
    for _ in range(60):
        damaged = bytearray(whole)
        start = int(random.integers(len(whole)))
        damaged[start : start + 4] = random.bytes(len(damaged[start : start + 4]))
        (copied / PIPELINE).write_bytes(damaged)
        try:
            load_model(copied, small.taxonomy, cut)
        except ModelError:
            refused += 1
    assert refused > 50
