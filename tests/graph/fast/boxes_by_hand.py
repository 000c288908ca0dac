"""One operation by its rule, cut and put together by hand: what the engine does, in a few plain lines."""

import torch


def by_rule(rule, clean, changed, boxes, plane):
    """The output in the boxes that the rule says are reached: top and left (B,), the boxes (B, C, h, w), and the true
    intervals (first, last) down and across.

    Parameters
    ----------
    clean, changed
        For each source its clean plane (1, C, H, W), and its changed ones (B, C, H, W), None where it is as it was.
    boxes
        For each source where it is changed, (B, 4).
    plane
        Places of the output (H, W).
    """
    batch = next(len(c) for c in changed if c is not None)
    nothing = torch.ones(batch, dtype=torch.int64), torch.zeros(batch, dtype=torch.int64)
    true, places, origins = [], [], []
    for axis in (0, 1):
        intervals = [nothing if b is None else (b[:, 2 * axis], b[:, 2 * axis + 1] - 1) for b in boxes]
        first, last = rule.changed(axis, intervals, plane[axis])
        assert bool(((first >= 0) & (last < plane[axis]))[first <= last].all())
        true.append((first, last))
        size = max(1, int((last - first).max()) + 1)
        origin = first.clamp(max=plane[axis] - size)
        origins.append(origin)
        places.append(origin[:, None] + torch.arange(size))
    windows = []
    for i, (c, x) in enumerate(zip(clean, changed)):
        full = c.expand(batch, *c.shape[1:]) if x is None else x
        rows, columns = (rule.reads(axis, places[axis], i) for axis in (0, 1))
        windows.append(cut(full, rows, columns, rule.fill))
    kept = [w.clone() for w in windows]
    out = rule.apply(windows, *places)
    assert all(torch.equal(a, b) for a, b in zip(kept, windows)), "a window was written into"
    return origins[0], origins[1], out, true


def cut(full, rows, columns, fill):
    """Windows (B, C, m, n) of planes (B, C, H, W), channels-last in memory."""
    height, width = full.shape[2:]
    inside = ((rows >= 0) & (rows < height))[:, None, :, None] & ((columns >= 0) & (columns < width))[:, None, None, :]
    batch = torch.arange(len(full))[:, None, None]
    rows, columns = rows.clamp(0, height - 1)[:, :, None], columns.clamp(0, width - 1)[:, None, :]
    taken = full.permute(0, 2, 3, 1)[batch, rows, columns].permute(0, 3, 1, 2)
    return torch.where(inside, taken, fill).contiguous(memory_format=torch.channels_last)


def put(clean, top, left, boxes):
    """The clean plane (1, C, H, W) with the boxes (B, C, h, w) in it, (B, C, H, W)."""
    out = clean.repeat(len(boxes), 1, 1, 1)
    height, width = boxes.shape[2:]
    for i, (t, x) in enumerate(zip(top.tolist(), left.tolist())):
        out[i, :, t : t + height, x : x + width] = boxes[i]
    return out


def between(clean, boxes, random):
    """The clean plane (1, C, H, W), with other numbers in boxes (B, 4)."""
    out = clean.repeat(len(boxes), 1, 1, 1)
    for i, (top, bottom, left, right) in enumerate(boxes.tolist()):
        part = out[i, :, top:bottom, left:right]
        part += torch.randn(part.shape, generator=random, dtype=part.dtype)
    return out
