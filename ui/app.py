"""The web application: `streamlit run ui/app.py`, or `assistant ui`.

Streamlit serves the page (`page.py`) and, beside it, the conversations (`routes.py`).
"""

from pathlib import Path

from streamlit.starlette import App

from ui.routes import conversation_routes

app = App(Path(__file__).with_name("page.py"), routes=conversation_routes())
