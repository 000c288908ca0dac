"""Networks that remember: counters, buffers, caches, lists, weights written while looking."""

import torch
import torch.nn as nn
import torch.nn.functional as F

from odd_networks.body import odd


@odd(calls=lambda: 0)
def counts_its_calls(net, x):
    net.calls += 1
    return net.head(net.conv(x) * net.calls)


@odd(calls=lambda: torch.zeros(()))
def counts_its_calls_in_a_buffer(net, x):
    net.calls += 1
    return net.head(net.conv(x) * net.calls)


@odd(calls=lambda: torch.zeros((), dtype=torch.long))
def replaces_its_counter(net, x):
    net.calls = net.calls + 1
    return net.head(net.conv(x) * net.calls)


@odd()
def scales_a_weight_in_place(net, x):
    with torch.no_grad():
        net.conv.weight.mul_(0.5)
    return net.head(net.conv(x))


@odd()
def writes_a_weight_through_data(net, x):
    net.conv.weight.data.mul_(0.5)
    return net.head(net.conv(x))


@odd()
def copies_into_a_weight(net, x):
    with torch.no_grad():
        net.fc.weight.copy_(net.fc.weight.flip(0) * 2)
    return net.head(net.conv(x))


@odd(way="whole")
def replaces_the_data_of_a_weight(net, x):
    net.fc.weight.data = net.fc.weight.data * 2
    return net.head(net.conv(x))


@odd(average=lambda: torch.zeros(8))
def keeps_a_running_mean(net, x):
    y = net.conv(x)
    net.average.mul_(0.9).add_(y.detach().mean((0, 2, 3)), alpha=0.1)
    return net.head(y - net.average[:, None, None])


@odd(average=lambda: torch.zeros(8))
def keeps_a_running_mean_unused(net, x):
    y = net.conv(x)
    with torch.no_grad():
        net.average.lerp_(y.mean((0, 2, 3)), 0.1)
    return net.head(y)


@odd(last=lambda: None)
def keeps_its_last_activation(net, x):
    net.last = net.conv(x)
    return net.head(net.last)


@odd(last=list)
def grows_a_list(net, x):
    net.last.append(net.conv(x))
    return net.head(sum(net.last))


@odd(seen=lambda: {"before": 1})
def fills_a_dict(net, x):
    y = net.conv(x)
    net.seen[tuple(y.shape[1:])] = y
    return net.head(y * len(net.seen))


@odd(kept=lambda: {"inner": {"list": []}})
def fills_a_list_in_a_dict(net, x):
    y = net.conv(x)
    net.kept["inner"]["list"].append(y)
    return net.head(y * len(net.kept["inner"]["list"]))


def _caches_by_hook(body):
    body.kept = {}

    def keep(module, given, returned):
        body.kept["conv"] = returned

    body.conv.register_forward_hook(keep)


@odd(change=_caches_by_hook, copies=False)
def caches_by_a_hook(net, x):
    return net.head(net.conv(x) + 0 * net.kept.get("conv", torch.zeros(())))


@odd(table=lambda: None)
def makes_a_table_at_first_use(net, x):
    if net.table is None:
        net.table = torch.linspace(0, 1, x.shape[-1])
    return net.head(net.conv(x * net.table))


@odd(way="whole", table=lambda: None)
def makes_a_module_at_first_use(net, x):
    if net.table is None:
        torch.manual_seed(3)
        net.table = nn.Conv2d(8, 8, 1)
    return net.head(net.table(net.conv(x)))


@odd(norm=lambda: nn.BatchNorm2d(8), training=True)
def normalises_by_the_batch(net, x):
    return net.head(net.norm(net.conv(x)))


@odd(norm=lambda: nn.BatchNorm2d(8, track_running_stats=False))
def normalises_by_the_batch_always(net, x):
    return net.head(net.norm(net.conv(x)))


@odd(norm=lambda: nn.BatchNorm2d(8))
def moves_its_statistics_in_inference(net, x):
    y = F.batch_norm(net.conv(x), net.norm.running_mean, net.norm.running_var, training=True)
    return net.head(y)


@odd()
def sets_an_attribute_of_a_weight(net, x):
    net.conv.weight.tag = "seen"
    return net.head(net.conv(x))


@odd()
def switches_itself(net, x):
    net.train()
    y = F.dropout(net.conv(x), 0.0, net.training)
    net.eval()
    return net.head(y)


@odd()
def freezes_while_it_runs(net, x):
    net.conv.weight.requires_grad_(False)
    return net.head(net.conv(x))
