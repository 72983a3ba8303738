"""What commands other than a deploy do, without Fabric."""
