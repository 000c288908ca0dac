"""The command line: the verbs of the library, one message for whatever goes wrong, and an exit code.

`verbs` is the list of them and `signature` what their signatures mean; `looking`, `predicting`, `explaining`, `listing`
and `demonstrating` do them, over many pictures by `items`; `options` says what words of the shell mean, `opening` opens
the network, `destinations` says where results go, `terminal` prints text from outside safely, `failures` turns exceptions
into messages and exit codes, `process` prepares the process.

Nothing heavy is imported before a verb needs it, so that ``seethrough --help`` answers at once.
"""

from seethrough.cli.failures import run

__all__ = ["run"]
