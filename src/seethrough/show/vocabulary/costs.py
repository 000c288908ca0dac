"""What methods cost for one picture, in words: every ``cost`` that a method declares."""

from __future__ import annotations

from collections.abc import Mapping

COSTS: Mapping[str, str] = {
    "1 forward": "1 次前向",
    "1 forward a channel": "每个通道 1 次前向",
    "1 forward a coalition": "每个联盟 1 次前向",
    "1 forward a mask": "每个掩膜 1 次前向",
    "1 forward a sample": "每个样本 1 次前向",
    "1 forward a segment and order": "每种次序、每个区块 1 次前向",
    "1 forward a segment or mask": "每个区块或掩膜 1 次前向",
    "1 forward a window": "每个窗口 1 次前向",
    "1 forward of what lies behind the layer, for each channel": "每个通道 1 次该层之后的前向",
    "1 forward of what lies behind the layer, for each of its places": "每个位置 1 次该层之后的前向",
    "1 forward, 1 walk back": "1 次前向，1 次反向",
    "1 forward, 1 walk back to the layer": "1 次前向，1 次反向至该层",
    "1 forward, 2 walks back": "1 次前向，2 次反向",
    "1 walk back to the layer, 1 forward a group of channels": "1 次反向至该层，每组通道 1 次前向",
    "2 forwards a mask": "每个掩膜 2 次前向",
    "2 forwards, 1 walk back": "2 次前向，1 次反向",
    "2 forwards, 1 walk back to the layer": "2 次前向，1 次反向至该层",
    "2 forwards, 1 walk back, block by block": "2 次前向，1 次逐块反向",
    "2 forwards, 2 walks back to the layer": "2 次前向，2 次反向至该层",
    "2 n forwards, 2 n walks back, and segments of the picture": "2n 次前向，2n 次反向，并将图片分块",
    "3 forwards, 1 walk back to the layer": "3 次前向，1 次反向至该层",
    "n forwards a channel": "每个通道 n 次前向",
    "n forwards and 2 n walks back for each of k other answers": "k 个其他答案各 n 次前向、2n 次反向",
    "n forwards and n walks back an area": "每种面积 n 次前向、n 次反向",
    "n forwards from the layer on, n walks back to it": "自该层起 n 次前向，n 次反向至该层",
    "n forwards, n walks back": "n 次前向，n 次反向",
    "n forwards, n walks back to the layer": "n 次前向，n 次反向至该层",
    "n forwards, n walks back, one after the other": "n 次前向，n 次反向，逐次进行",
    "n · (cells² + 2) forwards": "n · (格数² + 2) 次前向",
}
"""In Chinese, by the English that the method declares."""
