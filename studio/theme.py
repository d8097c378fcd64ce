"""The colours, sizes and letters that Gradio's own controls take on: paper by day, ink by night."""

from gradio.themes import Base
from gradio.themes.utils import colors, sizes

SANS = ("ui-sans-serif", "system-ui", "-apple-system", "Segoe UI", "Helvetica Neue", "sans-serif")
MONO = ("ui-monospace", "SF Mono", "Cascadia Mono", "Menlo", "DejaVu Sans Mono", "monospace")


def studio_theme() -> Base:
    """Gradio's base theme with our variables; nothing in it is fetched from another host."""
    theme = Base(
        primary_hue=colors.orange,
        neutral_hue=colors.stone,
        radius_size=sizes.radius_md,
        spacing_size=sizes.spacing_md,
        text_size=sizes.text_md,
        font=SANS,
        font_mono=MONO,
    )
    both = {
        "body_background_fill": "var(--bs-paper)",
        "body_text_color": "var(--bs-ink)",
        "body_text_color_subdued": "var(--bs-soft)",
        "background_fill_primary": "var(--bs-card)",
        "background_fill_secondary": "var(--bs-paper)",
        "border_color_primary": "var(--bs-line)",
        "border_color_accent": "var(--bs-accent)",
        "block_background_fill": "transparent",
        "block_label_background_fill": "transparent",
        "block_label_text_color": "var(--bs-soft)",
        "block_title_text_color": "var(--bs-ink)",
        "block_info_text_color": "var(--bs-soft)",
        "block_border_color": "var(--bs-line)",
        "panel_background_fill": "var(--bs-card)",
        "input_background_fill": "var(--bs-field)",
        "input_border_color": "var(--bs-line)",
        "input_border_color_focus": "var(--bs-accent)",
        "input_placeholder_color": "var(--bs-soft)",
        "slider_color": "var(--bs-accent)",
        "button_primary_background_fill": "var(--bs-accent)",
        "button_primary_background_fill_hover": "var(--bs-accent-strong)",
        "button_primary_border_color": "transparent",
        "button_primary_border_color_hover": "transparent",
        "button_primary_text_color": "var(--bs-on-accent)",
        "button_secondary_background_fill": "var(--bs-field)",
        "button_secondary_background_fill_hover": "var(--bs-line)",
        "button_secondary_text_color": "var(--bs-ink)",
        "button_secondary_border_color": "var(--bs-line)",
        "checkbox_background_color": "var(--bs-field)",
        "checkbox_border_color": "var(--bs-soft)",
        "checkbox_background_color_selected": "var(--bs-accent)",
        "checkbox_border_color_selected": "var(--bs-accent)",
        "checkbox_border_color_focus": "var(--bs-accent)",
        "link_text_color": "var(--bs-accent)",
        "loader_color": "var(--bs-accent)",
    }
    night = {f"{name}_dark": value for name, value in both.items()}
    return theme.set(
        **both,
        **night,
        block_border_width="0px",
        input_border_width="1px",
        input_border_width_dark="1px",
        block_shadow="none",
        block_shadow_dark="none",
        input_shadow_focus="0 0 0 2px var(--bs-glow)",
        input_shadow_focus_dark="0 0 0 2px var(--bs-glow)",
    )
