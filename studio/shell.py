"""The page: masthead, the tabs that work, and how it is launched."""

from typing import Any

import gradio as gr
from starlette.middleware import Middleware

from components.elements import head
from studio.config import Config
from studio.routes import routes
from studio.security import SecurityHeaders
from studio.services.services import Services
from studio.tabs import compare, finetune, generate, reward, vote
from studio.theme import studio_theme
from studio.visitors import Visitors

# In the order of the loop; only what works is listed.
TABS = (
    ("Generate", generate.build),
    ("Vote", vote.build),
    ("Reward", reward.build),
    ("Finetune", finetune.build),
    ("Compare", compare.build),
)
CACHE = (3600, 6 * 3600)  # seconds between sweeps of Gradio's own copies, and their greatest age
# Linked and not handed to Gradio, which would put its own prefix before every selector.
HEAD = (
    '<link rel="stylesheet" href="studio/assets/studio.css">'
    '<link rel="stylesheet" href="studio/assets/compare.css">'
    '<link rel="stylesheet" href="studio/assets/vote.css">'
    '<link rel="stylesheet" href="studio/assets/results.css">'
    '<link rel="stylesheet" href="studio/assets/captions.css">'
    '<link rel="stylesheet" href="studio/assets/reward.css">'
    '<link rel="stylesheet" href="studio/assets/finetune.css">'
    '<script type="module" src="studio/components/studio.js"></script>'
)


def build_page(services: Services) -> gr.Blocks:
    """The whole page, not yet launched."""
    with gr.Blocks(
        title="Baton Studio", analytics_enabled=False, delete_cache=CACHE, fill_width=True
    ) as page:
        head("Baton Studio", "text to sound that keeps its promises")
        if services.config.can_sign_in:
            # Its being here makes Gradio answer /login/huggingface; elsewhere it would be a mock.
            gr.LoginButton("Sign in with Hugging Face", size="sm", elem_id="sign-in")
        with gr.Tabs(elem_id="tabs"):
            for name, build in TABS:
                with gr.Tab(name, id=name.lower()):
                    build(services)
    page.queue(max_size=32, default_concurrency_limit=4, api_open=False)
    return page


def launch_options(services: Services) -> dict[str, Any]:
    """What `launch()` is given: our routes and middleware, and every door that can be shut."""
    config: Config = services.config
    return {
        "server_name": config.host,
        "server_port": config.port,
        "show_error": False,
        "quiet": True,
        "share": False,
        # Else Gradio asks its own page and gives up after 3 s, and with it the studio, when voters
        # by the hundred come back at once after a restart.
        "_frontend": False,
        "ssr_mode": False,
        "pwa": False,
        "enable_monitoring": False,
        "run_history": False,
        "footer_links": ["api", "settings"],
        "max_file_size": config.upload,
        "allowed_paths": [],
        "blocked_paths": [str(config.data.resolve())],
        "theme": studio_theme(),
        "head": HEAD,
        "app_kwargs": {
            "routes": routes(services),
            "middleware": [
                Middleware(SecurityHeaders, public_host=config.public_host),
                Middleware(Visitors, is_shared=config.is_shared, on_space=config.on_space),
            ],
        },
    }
