"""``check``: exit code 0 where all is as meant, 1 where it isn't; a table, JSON, a sentence for each finding."""

import json

from cli_material import contents


def test_all_as_meant_is_exit_code_0_and_nothing_is_written(seethrough, tiny, folder):
    before = contents(folder)
    outcome = seethrough("check", *tiny[:3], "--trainable", "*", "--input", "3x32x32", "--outputs", "3")
    assert outcome.code == 0 and outcome.err == "" and contents(folder) == before
    assert "✓ yes" in outcome.out and "✗" not in outcome.out and "All is as meant" in outcome.out


def test_frozen_layers_that_train_are_exit_code_1_with_a_sentence(seethrough, tiny):
    outcome = seethrough("check", *tiny[:5], "--frozen", "[03]", "--frozen", "7")
    assert outcome.code == 1 and outcome.err == ""
    assert "Meant to be frozen, 0, 3, 7 would train, with 275 parameters" in " ".join(outcome.out.split())
    assert "✗ no" in outcome.out


def test_a_pattern_of_several_digits_keeps_its_comma(seethrough, tiny):
    assert json.loads(seethrough("check", *tiny[:5], "--frozen", "[0,3]", "--json").out)["claims"][0]["meant"] == [
        "[0,3]"
    ]


def test_json_has_every_claim_with_its_verdict(seethrough, tiny):
    outcome = seethrough("check", *tiny[:5], "--outputs", "10", "--json")
    told = json.loads(outcome.out)
    assert outcome.code == 1 and told["passed"] is False
    claims = {claim["name"]: claim for claim in told["claims"]}
    assert claims["outputs"]["verdict"] == "fails"
    assert claims["outputs"]["findings"][0]["numbers"] == {"meant": 10, "outputs": 3}
    assert claims["wiring"]["verdict"] == "holds"


def test_warnings_count_when_asked_to(seethrough, tiny):
    assert seethrough("check", *tiny[:5]).code == 0  # its weights were never trained, which is a warning
    strict = seethrough("check", *tiny[:5], "--strict", "--json")
    assert strict.code == 1 and json.loads(strict.out)["passed"] is False


def test_names_of_another_count_are_a_finding_and_no_refusal(seethrough, tiny, folder):
    (folder / "names.txt").write_text("lynx\ncat\n")
    outcome = seethrough("check", *tiny[:5], "--classes", "names.txt")
    assert outcome.code == 1 and "2 names of classes were given for 3 outputs" in outcome.out
    (folder / "names.txt").write_text("lynx\ncat\nleopard\n")
    assert seethrough("check", *tiny[:5], "--classes", "names.txt").code == 0


def test_an_input_that_the_network_cannot_take_names_what_it_takes(seethrough, folder):
    import torch
    from safetensors.torch import save_file
    from tiny_cli_network import wider

    save_file(wider().state_dict(), folder / "wider.safetensors")
    outcome = seethrough("check", "wider.safetensors", "--architecture", "tiny_cli_network:wider", "--input", "3x64x64")
    assert outcome.code == 1 and "3×64×64" in outcome.out and "it takes 3×32×32" in " ".join(outcome.out.split())
    assert torch.is_grad_enabled()


def test_it_speaks_chinese(seethrough, tiny):
    outcome = seethrough("check", *tiny[:5], "--frozen", "0", "--lang", "zh")
    assert outcome.code == 1 and "本应冻结的 0 仍会训练" in outcome.out and "不符合期望" in outcome.out


def test_what_makes_no_sense_is_usage(refused, tiny):
    assert "3 x 4" in refused(2, "check", *tiny[:5], "--input", "3 x 4 x y")
    assert "outputs=0" in refused(2, "check", *tiny[:5], "--outputs", "0")
    assert "'fr'" in refused(2, "check", *tiny[:5], "--lang", "fr")
    assert "names.txt" in refused(3, "check", *tiny[:5], "--classes", "names.txt")
