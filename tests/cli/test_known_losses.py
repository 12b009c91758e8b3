"""What the command line says of losses that are known."""

from tests.cli.conftest import Command


def test_known_losses_stand_below_those_of_the_network(fivestep: Command) -> None:
    out = fivestep("train", "next-token", "--epochs", 1, "--lr", "1e-4").out
    assert [line.split() for line in out.splitlines() if line.startswith(("unigram", "entropy"))] == [
        ["unigram", "2.7611"],
        ["entropy", "1.2130"],
    ]


def test_known_losses_are_left_out_beside_another_loss(fivestep: Command) -> None:
    out = fivestep("train", "next-token", "--epochs", 1, "--loss", "cross_entropy:label_smoothing=0.1").out
    assert "unigram" not in out
