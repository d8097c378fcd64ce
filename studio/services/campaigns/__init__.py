"""Campaigns: asked for, checked, their sounds made and made fair, shown, simulated."""
