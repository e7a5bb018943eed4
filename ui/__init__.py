"""What people touch: the Gradio app, its routes and the command line."""
