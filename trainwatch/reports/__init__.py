"""Renderers: functions of an Analysis only."""
