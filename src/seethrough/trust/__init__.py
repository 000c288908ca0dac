"""How far to believe a map: checks that read the same run as the map itself, and the verdict they lead to."""
