"""Letters become messages, and messages reach a provider through one door each."""
