"""The lab: widgets of JupyterLab around a cluster. It knows worlds and pictures, and no protocol."""
