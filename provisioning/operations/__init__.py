"""What commands besides a deploy do, without Fabric."""
