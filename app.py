"""The app: ``streamlit run app.py``."""

from pages._ui.shell import run

run()
