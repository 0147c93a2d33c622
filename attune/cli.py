"""The `attune` command: its subcommands, and how a run ends (0 done, 1 failed, 2 wrong use or bad input)."""

import errno
import logging
import warnings

import typer

from attune import console
from attune.commands import figures, models, service, shop

app = typer.Typer(
    help="Attune: graph recommendations that fuse attention with purchase power, and say why.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
load_app = typer.Typer(help="Load a shop's data into the graph.", no_args_is_help=True)
key_app = typer.Typer(help="API keys: who may call the service.", no_args_is_help=True)


# Around each command: Typer would end it at Ctrl-C in silence before `main` hears of it.
told = console.interruptible(
    lambda: "Run the same command again; a load goes on where it stopped.", what="interrupted; nothing is lost"
)

for command in (
    shop.up,
    shop.down,
    shop.status,
    shop.empty,
    shop.erase,
    models.train,
    models.promote,
    models.rollback,
    models.compress,
    figures.evaluate,
    figures.tune,
    figures.bubble,
    service.recommend,
    service.explain,
    service.serve,
    service.demo,
):
    app.command()(told(command))
for name, command in (
    ("complete-journey", shop.load_complete_journey),
    ("files", shop.load_files),
    ("taobao", shop.load_taobao),
):
    load_app.command(name)(told(command))
for name, command in (("create", service.key_create), ("list", service.key_list), ("revoke", service.key_revoke)):
    key_app.command(name)(told(command))
app.add_typer(load_app, name="load")
app.add_typer(key_app, name="key")


# What no code can help: a disk that is full or not to be written, a file of somebody else's or in a folder's place.
_OF_THE_MACHINE = (
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EROFS,
    errno.EACCES,
    errno.EPERM,
    errno.EEXIST,
    errno.ENOTDIR,
    errno.EISDIR,
)


def main() -> None:
    """Run the command line; every known failure ends in one line and a remedy."""
    from api.faults import Fault
    from gnn.errors import BadConfig, ModelError, NoCheckpoint, NotEnoughData
    from graph.errors import GraphError

    # The driver announces its retries; what came of them is said once, at the end.
    logging.getLogger("neo4j").setLevel(logging.ERROR)
    # torch warns of its own use of torch.jit when PyTorch Geometric is imported; nobody here can act on it.
    warnings.filterwarnings("ignore", message=".*torch.jit", category=FutureWarning)
    try:
        app()
    except (BadConfig, Fault, NoCheckpoint, NotEnoughData) as error:
        console.stop(str(error), code=console.WRONG_USE)
    except (GraphError, ModelError) as error:
        console.stop(str(error))
    except OSError as error:
        if error.errno not in _OF_THE_MACHINE:
            raise
        where = f"{error.filename}: " if error.filename else ""
        console.stop(f"{where}{error.strerror}", "Once that is put right, run the same command again.")
