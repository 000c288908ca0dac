"""The graph: a network written down once, before any image is seen. Everything else reads it.

``record`` → ``unite`` → ``canonical`` make it; ``source`` keeps and proves it; ``execute`` runs it forward, ``walk``
back under ``rules``; ``run`` is what a method of attribution asks; ``cost`` counts on it.
"""
