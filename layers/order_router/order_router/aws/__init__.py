"""The only room that imports the AWS client: tables, queues, secrets and the environment's names."""
