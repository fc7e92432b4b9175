"""The preview engine: pictures without a model, to judge motion and timing before spending GPU time."""
