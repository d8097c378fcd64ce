"""Building blocks of the page that know records, not the studio: cards, figures, players."""
