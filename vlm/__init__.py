"""The vision-language model that reads questions (see docs for its place in the plan)."""
