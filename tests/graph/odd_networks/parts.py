"""Networks with parts that other people wrote: attention, recurrence, parametrizations, compiled, scripted and lazy
layers.
"""

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.nn.utils import parametrizations, parametrize

from odd_networks.body import odd


@odd(attention=lambda: nn.MultiheadAttention(8, 2, batch_first=True))
def attends(net, x):
    t = net.tokens(x)
    return net.fc(net.attention(t, t, t)[0].mean(1))


@odd(attention=lambda: nn.MultiheadAttention(8, 2))
def attends_with_the_batch_second(net, x):
    t = net.tokens(x).transpose(0, 1)
    return net.fc(net.attention(t, t, t, need_weights=False)[0].mean(0))


@odd(attention=lambda: nn.MultiheadAttention(8, 2, batch_first=True, dropout=0.1))
def attends_with_a_mask_and_weights(net, x):
    t = net.tokens(x)
    mask = torch.triu(torch.ones(64, 64, dtype=torch.bool), 1)
    y, weights = net.attention(t, t, t, attn_mask=mask, average_attn_weights=False)
    return net.fc(y.mean(1)) + weights.amax((1, 2, 3))[:, None]


@odd(encoder=lambda: nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, norm_first=True))
def encodes(net, x):
    return net.fc(net.encoder(net.tokens(x)).mean(1))


@odd(
    encoder=lambda: nn.TransformerEncoder(
        nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 2, enable_nested_tensor=True
    )
)
def encodes_twice(net, x):
    return net.fc(net.encoder(net.tokens(x)).mean(1))


@odd(
    decoder=lambda: nn.TransformerDecoderLayer(8, 2, 16, batch_first=True),
    query=lambda: nn.Parameter(torch.randn(1, 3, 8)),
)
def decodes(net, x):
    return net.fc(net.decoder(net.query.expand(x.size(0), -1, -1), net.tokens(x)).mean(1))


@odd(lstm=lambda: nn.LSTM(8, 8, batch_first=True, bidirectional=True))
def recurs_by_lstm(net, x):
    y, (h, _) = net.lstm(net.tokens(x))
    return net.fc(y[:, -1, :8] + y[:, 0, 8:] + h[0])


@odd(gru=lambda: nn.GRU(8, 8, num_layers=2, batch_first=True))
def recurs_by_gru(net, x):
    return net.fc(net.gru(net.tokens(x))[0][:, -1])


@odd(cell=lambda: nn.LSTMCell(8, 8))
def recurs_cell_by_cell(net, x):
    h = c = torch.zeros(x.size(0), 8)
    for t in net.tokens(x)[:, ::16].unbind(1):
        h, c = net.cell(t, (h, c))
    return net.fc(h)


def _spectral(body):
    parametrizations.spectral_norm(body.conv)


def _weighted(body):
    parametrizations.weight_norm(body.conv)


def _orthogonal(body):
    parametrizations.orthogonal(body.fc)


def _old_weighted(body):
    nn.utils.weight_norm(body.conv)


def _old_spectral(body):
    nn.utils.spectral_norm(body.conv)


@odd(change=_spectral)
def norms_its_spectrum(net, x):
    return net.head(net.conv(x))


@odd(change=_spectral, training=True)
def norms_its_spectrum_in_training(net, x):
    return net.head(net.conv(x))


@odd(change=_weighted)
def norms_its_weight(net, x):
    return net.head(net.conv(x))


@odd(change=_orthogonal)
def keeps_orthogonal(net, x):
    return net.head(net.conv(x))


@odd(change=_old_weighted, copies=False)
def norms_its_weight_by_a_hook(net, x):
    return net.head(net.conv(x))


@odd(change=_old_spectral)
def norms_its_spectrum_by_a_hook(net, x):
    return net.head(net.conv(x))


@odd(change=_weighted)
def caches_its_parametrization(net, x):
    with parametrize.cached():
        return net.head(net.conv(x) + net.conv(x.flip(-1)))


class Standardised(nn.Conv2d):
    """A convolution whose kernels have mean 0 and deviation 1 (Qiao et al., 2019)."""

    def forward(self, x):
        w = self.weight
        w = (w - w.mean((1, 2, 3), keepdim=True)) / (w.std((1, 2, 3), keepdim=True) + 1e-5)
        return F.conv2d(x, w, self.bias, self.stride, self.padding)


@odd(more=lambda: Standardised(8, 8, 3, padding=1))
def standardises_its_kernels(net, x):
    return net.head(net.more(net.conv(x)))


def _scripted():
    return torch.jit.script(nn.Sequential(nn.Conv2d(8, 8, 1), nn.ReLU()))


def _traced():
    return torch.jit.trace(nn.Sequential(nn.Conv2d(8, 8, 1), nn.ReLU()), torch.rand(1, 8, 8, 8))


@odd(part=_scripted, copies=False)
def has_a_scripted_part(net, x):
    return net.fc(net.part(net.conv(x)).mean((2, 3)))


@odd(part=_traced, copies=False)
def has_a_traced_part(net, x):
    return net.fc(net.part(net.conv(x)).mean((2, 3)))


@torch.jit.script
def scripted_gate(x: torch.Tensor) -> torch.Tensor:
    return x * torch.sigmoid(x)


@odd(way="whole")
def calls_a_scripted_function(net, x):
    return net.head(scripted_gate(net.conv(x)))


def _compiled(body):
    body.conv = torch.compile(body.conv, backend="eager")


@odd(change=_compiled, copies=False)
def has_a_compiled_part(net, x):
    return net.head(net.conv(x))


@odd(refused="no weights yet", lazy=lambda: nn.LazyConv2d(8, 1))
def has_a_lazy_layer(net, x):
    torch.manual_seed(5)
    return net.head(net.lazy(net.conv(x)))


@odd(refused="no weights yet", lazy=lambda: nn.LazyLinear(8), norm=lambda: nn.LazyBatchNorm2d())
def has_lazy_layers(net, x):
    torch.manual_seed(5)
    return net.fc(net.lazy(net.norm(net.conv(x)).flatten(1)))


@odd(bag=lambda: nn.Embedding(16, 8))
def embeds_its_own_bins(net, x):
    y = net.conv(x)
    bins = (y.mean((2, 3)).sigmoid() * 15).long()
    return net.fc(net.bag(bins).mean(1) + y.mean((2, 3)))


@odd(norms=lambda: nn.ModuleList([nn.GroupNorm(2, 8), nn.InstanceNorm2d(8, affine=True), nn.LocalResponseNorm(3)]))
def normalises_in_three_ways(net, x):
    y = net.conv(x)
    return net.head(sum(norm(y) for norm in net.norms))


@odd(norm=lambda: nn.LayerNorm([8, 8, 8]), rms=lambda: nn.RMSNorm(8))
def normalises_layers(net, x):
    return net.head(net.rms(net.norm(net.conv(x)).movedim(1, -1)).movedim(-1, 1))
