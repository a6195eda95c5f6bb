module github.com/multifrost/multifrost-go

go 1.24
