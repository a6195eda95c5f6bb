module leaderboard

go 1.24

require github.com/multifrost/multifrost-go v0.0.0

replace github.com/multifrost/multifrost-go => ../../peers/go
