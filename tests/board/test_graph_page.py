"""The Graphs page in a real browser on the real server: the frozen models, a dropped file, the keyboard, saving."""

from __future__ import annotations

import io
import re
import shutil
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import JSHandle, Page, expect

from tests.graph import wire

MODELS = Path(__file__).parents[1] / "graph" / "models"
Serve = Callable[..., str]


@pytest.fixture(scope="module")
def encoder(serve: Serve) -> str:
    """A board that was started with a model alone."""
    return serve("--model", MODELS / "encoder_dynamo.onnx")


@pytest.fixture(scope="module")
def bare(serve: Serve, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A board without a model."""
    return serve("--logdir", tmp_path_factory.mktemp("logs"))


def boxes(page: Page) -> int:
    """How many boxes the picture shows."""
    return int(page.get_by_test_id("graph-canvas").get_attribute("data-boxes") or -1)


def scale(page: Page) -> float:
    return float(page.get_by_test_id("graph-canvas").get_attribute("data-scale") or -1)


def colors(page: Page) -> int:
    """Colours in the picture: an empty canvas has one."""
    shot = Image.open(io.BytesIO(page.get_by_test_id("graph-canvas").screenshot()))
    return len(shot.convert("RGB").getcolors(1 << 24) or [])


def test_a_board_with_a_model_alone_opens_on_its_graph(encoder: str, page: Page) -> None:
    page.goto(encoder)
    expect(page.get_by_test_id("tab-graphs")).to_have_attribute("aria-current", "page")
    expect(page.get_by_test_id("outline-s:layers.0")).to_contain_text("Block")
    expect(page.get_by_test_id("graph-details")).to_contain_text("pytorch")
    expect(page.get_by_test_id("graph-canvas")).to_be_visible()
    assert colors(page) > 20


def test_modules_open_and_close_and_the_address_keeps_them(encoder: str, page: Page) -> None:
    page.goto(f"{encoder}#/graphs")
    canvas = page.get_by_test_id("graph-canvas")
    page.get_by_test_id("graph-close-all").click()
    expect(canvas).to_have_attribute("data-boxes", "5")  # input, two layers, head, output
    page.get_by_test_id("outline-s:layers.1").dblclick()
    expect(canvas).to_have_attribute("data-boxes", "10")
    page.wait_for_url(re.compile("open=layers.1"))
    page.reload()
    expect(canvas).to_have_attribute("data-boxes", "10")
    page.get_by_test_id("graph-open-all").click()
    expect(page.get_by_test_id("outline-s:layers.0/attn")).to_have_attribute("aria-expanded", "true")
    page.wait_for_url(re.compile(r"open=\*"))


def test_a_double_click_on_the_picture_opens_a_module_and_a_click_tells_it(encoder: str, page: Page) -> None:
    page.goto(f"{encoder}#/graphs?open=")
    canvas = page.get_by_test_id("graph-canvas")
    expect(canvas).to_have_attribute("data-boxes", "5")
    area = canvas.bounding_box()
    assert area is not None
    # The boxes stand in one column: the middle one is the second layer.
    middle = (area["x"] + area["width"] / 2, area["y"] + area["height"] / 2)
    page.mouse.click(*middle)
    expect(page.get_by_test_id("details-title")).to_have_text("layers.1")
    page.mouse.dblclick(*middle)
    expect(canvas).to_have_attribute("data-boxes", "10")


def test_search_opens_what_hides_a_match_and_goes_round(encoder: str, page: Page) -> None:
    page.goto(f"{encoder}#/graphs")
    expect(page.get_by_test_id("graph-outline")).to_be_visible()
    page.keyboard.press("/")
    expect(page.get_by_test_id("graph-search")).to_be_focused()
    page.keyboard.type("softmax")
    expect(page.get_by_test_id("graph-found")).to_have_text("0 of 2")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("graph-found")).to_have_text("1 of 2")
    expect(page.get_by_test_id("details-title")).to_have_text("Softmax")
    expect(page.get_by_test_id("graph-details")).to_contain_text("layers.0 / attn")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("graph-details")).to_contain_text("layers.1 / attn")
    page.keyboard.press("Shift+Enter")
    expect(page.get_by_test_id("graph-details")).to_contain_text("layers.0 / attn")
    page.get_by_test_id("graph-search").fill("no such thing")
    expect(page.get_by_test_id("graph-found")).to_have_text("Nothing found")


def test_details_tell_shapes_attributes_and_weights_and_lead_on(encoder: str, page: Page) -> None:
    page.goto(f"{encoder}#/graphs")
    page.get_by_test_id("graph-search").fill("gemm layers.0")
    page.keyboard.press("Enter")
    details = page.get_by_test_id("graph-details")
    expect(details).to_contain_text("layers.0.attn.out_proj.weight")
    expect(details).to_contain_text("float32 4×4")
    expect(details).to_contain_text("transB")
    expect(details).to_contain_text("torch.nn.modules.activation.MultiheadAttention")
    details.get_by_role("button", name=re.compile("Made by")).first.click()
    expect(page.get_by_test_id("details-title")).not_to_have_text("Gemm")
    details.get_by_role("button", name="layers.0").click()
    expect(page.get_by_test_id("details-title")).to_have_text("layers.0")
    expect(details).to_contain_text("Parameters")


def test_the_outline_is_all_keyboard(encoder: str, page: Page) -> None:
    page.goto(f"{encoder}#/graphs?open=")
    tree = page.get_by_test_id("graph-outline")
    expect(page.get_by_test_id("outline-s:layers.0")).to_be_visible()
    tree.focus()
    for key in ("ArrowDown", "ArrowRight", "ArrowRight", "ArrowDown", "Enter"):
        page.keyboard.press(key)
    expect(page.get_by_test_id("details-title")).to_have_text("attn")
    expect(page.get_by_test_id("outline-s:layers.0/attn")).to_have_attribute("aria-selected", "true")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_test_id("outline-s:layers.0")).to_have_attribute("aria-expanded", "false")
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("graph-details")).to_contain_text("Output")


def test_the_picture_pans_zooms_and_fits_by_keys_and_wheel(encoder: str, page: Page) -> None:
    page.goto(f"{encoder}#/graphs?open=*")
    canvas = page.get_by_test_id("graph-canvas")
    expect(page.get_by_test_id("graph-map")).to_be_visible()
    before = scale(page)
    canvas.focus()
    page.keyboard.press("+")
    assert scale(page) > before
    page.keyboard.press("0")
    fitted = scale(page)
    assert fitted < before
    expect(page.get_by_test_id("graph-map")).to_have_count(0)
    canvas.hover()
    page.mouse.wheel(0, -300)
    expect(page.get_by_test_id("graph-map")).to_be_visible()  # only when not all of the graph is in sight
    assert scale(page) > fitted


def test_direction_and_weights_are_choices_in_the_address(encoder: str, page: Page) -> None:
    page.goto(f"{encoder}#/graphs?open=*")
    expect(page.get_by_test_id("graph-canvas")).not_to_have_attribute("data-boxes", "0")
    few = boxes(page)
    page.get_by_test_id("graph-constants").click()
    expect(page.get_by_test_id("graph-canvas")).not_to_have_attribute("data-boxes", str(few))
    assert boxes(page) > few
    page.get_by_test_id("graph-direction").get_by_text("Left to right").click()
    page.wait_for_url(re.compile(r"dir=lr.*weights=1"))


def test_the_whole_graph_is_saved_not_only_what_is_seen(encoder: str, page: Page, tmp_path: Path) -> None:
    page.goto(f"{encoder}#/graphs?open=*")
    canvas = page.get_by_test_id("graph-canvas")
    canvas.focus()
    for _ in range(6):
        page.keyboard.press("+")
    for kind in ("svg", "png"):
        page.get_by_test_id("graph-save").click()
        with page.expect_download() as saved:
            page.get_by_test_id(f"graph-{kind}").click()
        saved.value.save_as(tmp_path / f"graph.{kind}")
        assert saved.value.suggested_filename == f"Encoder.{kind}"
    svg = ET.parse(tmp_path / "graph.svg").getroot()
    texts = [text.text for text in svg.iter("{http://www.w3.org/2000/svg}text")]
    assert texts.count("Softmax") == 2
    width, height = float(svg.attrib["width"]), float(svg.attrib["height"])
    with Image.open(tmp_path / "graph.png") as png:
        assert png.width / png.height == pytest.approx(width / height, rel=0.01)
        assert png.height > 4000


def test_a_file_that_is_opened_is_shown_and_the_boards_own_comes_back(encoder: str, page: Page) -> None:
    page.goto(f"{encoder}#/graphs")
    page.get_by_test_id("graph-file").set_input_files(MODELS / "cnn_dynamo.onnx")
    expect(page.get_by_test_id("outline-n0")).to_contain_text("conv1")
    expect(page.get_by_text("nothing of it is kept")).to_be_visible()
    page.get_by_role("button", name="Back to the board's model").click()
    expect(page.get_by_test_id("outline-s:layers.0")).to_be_visible()


def dropped(page: Page) -> JSHandle:
    """A model file as a drag-and-drop carries it."""
    content = (MODELS / "cnn_torchscript.onnx").read_bytes()
    return page.evaluate_handle(
        """(bytes) => {
            const transfer = new DataTransfer();
            transfer.items.add(new File([new Uint8Array(bytes)], "dropped.onnx"));
            return transfer;
        }""",
        list(content),
    )


def test_a_model_that_is_dropped_on_another_page_is_shown_once(bare: str, page: Page) -> None:
    page.goto(f"{bare}#/images")
    page.dispatch_event("main", "drop", {"dataTransfer": dropped(page)})
    expect(page).to_have_url(re.compile("#/graphs"))
    expect(page.get_by_test_id("outline-n0")).to_contain_text("Conv")
    page.get_by_test_id("tab-images").click()
    page.get_by_test_id("tab-graphs").click()
    expect(page.get_by_test_id("outline-n0")).to_contain_text("Conv")


def test_a_board_without_a_model_says_how_to_get_one_and_takes_a_dropped_file(bare: str, page: Page) -> None:
    page.goto(f"{bare}#/graphs")
    expect(page.get_by_test_id("empty")).to_contain_text("torch.onnx.export")
    expect(page.get_by_test_id("empty")).to_contain_text("visualdl --model")
    drop = dropped(page)
    page.dispatch_event("main", "dragover", {"dataTransfer": drop})
    expect(page.get_by_text("Drop an ONNX file to see its graph")).to_be_visible()
    page.dispatch_event("main", "drop", {"dataTransfer": drop})
    expect(page.get_by_test_id("graph-canvas")).to_be_visible()
    expect(page.get_by_test_id("outline-n0")).to_contain_text("Conv")


def test_names_that_are_markup_are_only_text(bare: str, page: Page, tmp_path: Path) -> None:
    name = "<img src=x onerror=alert(1)>\u202e\x07"
    path = tmp_path / "hostile.onnx"
    graph = [wire.node(name, ["x"], ["m"], name=f"/{name}/a"), wire.node(name, ["m"], ["y"], name=f"/{name}/b")]
    path.write_bytes(wire.model(wire.value(11, "x"), *graph, wire.value(12, "y")))
    page.goto(f"{bare}#/graphs")
    page.get_by_test_id("graph-file").set_input_files(path)
    expect(page.get_by_test_id("graph-outline")).to_contain_text("<img src=x onerror=alert(1)>\ufffd\ufffd")
    assert page.locator("main img").count() == 0
    page.get_by_test_id("graph-save").click()
    with page.expect_download() as saved:
        page.get_by_test_id("graph-svg").click()
    saved.value.save_as(tmp_path / "graph.svg")
    assert any("onerror" in (text.text or "") for text in ET.parse(tmp_path / "graph.svg").iter())


def test_chinese_says_it_in_chinese(encoder: str, page: Page) -> None:
    page.goto(f"{encoder}#/graphs")
    page.get_by_test_id("language").click()
    expect(page.get_by_test_id("graph-constants")).to_contain_text("权重和常量")
    expect(page.get_by_test_id("outline-s:layers.0")).to_contain_text("个节点")


def test_a_model_that_is_exported_anew_is_shown_anew(serve: Serve, page: Page, tmp_path: Path) -> None:
    model = tmp_path / "model.onnx"
    shutil.copy(MODELS / "cnn_dynamo.onnx", model)
    page.goto(serve("--model", model))
    expect(page.get_by_test_id("outline-n0")).to_contain_text("conv1")
    shutil.copy(MODELS / "encoder_dynamo.onnx", tmp_path / "next.onnx")
    (tmp_path / "next.onnx").replace(model)
    expect(page.get_by_test_id("outline-s:layers.0")).to_contain_text("Block")
