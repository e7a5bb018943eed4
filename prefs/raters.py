"""The rater whom every command and the local app mean unless another is named."""

LOCAL_RATER = "me"
