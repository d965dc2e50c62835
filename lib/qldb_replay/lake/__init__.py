"""Spark and Delta: one module for each stage and for what the stages share."""
