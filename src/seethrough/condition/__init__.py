"""Health: what an expert notices in a network that looks at many images (dead units, twins, aliasing…), as data.

`sites` finds what is measured on the graph, `watch` measures it in one pass over the images, a file for each subject makes
numbers of the sums and tells what is to be noticed, `advice` has what an engineer would do, and `health` is the verb.
"""
