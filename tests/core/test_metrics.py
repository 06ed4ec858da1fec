import hashlib
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from PIL import Image, ImageFilter

from recon.pipeline.progress import ListReporter
from recon.reporting import silent
from recon.splats import metrics
from recon.splats.metrics import LpipsUnavailable, load_lpips, psnr, ssim

CPU = torch.device("cpu")


def picture() -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.rand((64, 80, 3), generator=generator)


def blurred(image: torch.Tensor, radius: float) -> torch.Tensor:
    soft = Image.fromarray((image * 255).byte().numpy()).filter(ImageFilter.GaussianBlur(radius))
    return torch.frombuffer(bytearray(soft.tobytes()), dtype=torch.uint8).reshape(64, 80, 3) / 255


def test_psnr_is_the_textbook_formula() -> None:
    truth = torch.full((4, 4, 3), 0.5)
    assert psnr(truth + 0.1, truth) == pytest.approx(20.0, abs=1e-4)
    assert psnr(truth + 0.01, truth) == pytest.approx(40.0, abs=1e-3)


def test_identical_pictures_have_a_finite_psnr() -> None:
    assert psnr(picture(), picture()) == 100.0


def test_colours_outside_the_range_count_as_shown() -> None:
    white = torch.ones(4, 4, 3)
    assert psnr(white + 5, white) == 100.0


def test_more_blur_is_worse_by_every_metric() -> None:
    lpips = load_lpips(CPU, pnet_rand=True)
    truth = picture()
    soft, softer = blurred(truth, 0.5), blurred(truth, 2.0)
    assert psnr(soft, truth) > psnr(softer, truth)
    assert ssim(soft, truth) > ssim(softer, truth)
    assert 0 < lpips(soft, truth) < lpips(softer, truth)


def test_identical_pictures_have_an_lpips_of_zero() -> None:
    assert load_lpips(CPU, pnet_rand=True)(picture(), picture()) == 0.0


class Answer(http.server.BaseHTTPRequestHandler):
    """Serves `content`, or nothing at all if it is None."""

    content: bytes | None = None

    def do_GET(self) -> None:
        if self.content is None:
            self.rfile.read()  # until the client gives up
            return
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.content)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A server in place of download.pytorch.org, and an empty cache."""
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_refused_download_becomes_a_reason(hub: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "BACKBONE_URL", "http://127.0.0.1:9/alexnet-owt-7be5be79.pth")
    with pytest.raises(LpipsUnavailable, match=r"can't be downloaded .*refused"):
        load_lpips(CPU)


def test_a_silent_server_becomes_a_reason(hub: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "BACKBONE_URL", f"{hub}/alexnet-owt-7be5be79.pth")
    monkeypatch.setattr(metrics, "_CONNECT_SECONDS", 0.2)
    with pytest.raises(LpipsUnavailable, match="timed out"):
        load_lpips(CPU)


def test_damaged_weights_are_not_kept(hub: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Answer, "content", b"not the weights")
    monkeypatch.setattr(metrics, "BACKBONE_URL", f"{hub}/alexnet-owt-7be5be79.pth")
    with pytest.raises(LpipsUnavailable, match="damaged"):
        load_lpips(CPU)
    assert list(metrics.backbone_path().parent.iterdir()) == []


def test_weights_are_downloaded_once_into_the_cache(
    hub: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    metrics._import_torchvision()
    import torchvision

    weights = tmp_path / "weights.pth"
    torch.save(torchvision.models.alexnet(weights=None).state_dict(), weights)
    digest = hashlib.sha256(weights.read_bytes()).hexdigest()[:8]
    monkeypatch.setattr(Answer, "content", weights.read_bytes())
    monkeypatch.setattr(metrics, "BACKBONE_URL", f"{hub}/alexnet-owt-{digest}.pth")
    report = ListReporter()
    metrics._ensure_backbone(report)
    assert metrics.backbone_path().read_bytes() == weights.read_bytes()
    assert report.named("progress")  # so the job can be stopped as the file comes in
    monkeypatch.setattr(Answer, "content", None)
    metrics._ensure_backbone(silent)  # asks nobody
