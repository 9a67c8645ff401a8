"""One story per file: facts from the store, a decision from the core, an act at the edge."""
