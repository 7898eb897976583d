"""The servers the product brings along: PostgreSQL, Valkey and a small language model.

Free of Django, because the settings ask here for addresses before Django is configured. The functions exported here are
cheap and start nothing; `Cluster` and `ModelServer` (cluster.py, local_model.py) start servers.
"""

from project.services.addresses import artifact_dir, database_url, model_url, redis_url
from project.services.secret import secret_key

__all__ = ["artifact_dir", "database_url", "model_url", "redis_url", "secret_key"]
