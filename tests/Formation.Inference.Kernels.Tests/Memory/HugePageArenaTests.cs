using Formation.Inference.Kernels.Memory;

namespace Formation.Inference.Kernels.Tests.Memory;

public sealed unsafe class HugePageArenaTests
{
    private readonly HugePageArena _arena = new();

    [Fact]
    public void Pieces_lie_side_by_side_in_lines_of_their_own()
    {
        using var first = _arena.Take(100);
        using var second = _arena.Take(1);
        using var third = _arena.Take(64);
        Assert.Equal(0u, (nuint)first.Region.Pointer % (2 << 20));
        Assert.True(first.Region.Pointer + 128 == second.Region.Pointer);
        Assert.True(second.Region.Pointer + 64 == third.Region.Pointer);
        Assert.Equal((100, 1, 64), (first.Length, second.Length, third.Length));
    }

    [Fact]
    public void A_piece_may_be_larger_than_a_chunk_or_empty()
    {
        using var large = _arena.Take(HugePageArena.ChunkBytes + 5);
        large.Region.Pointer[large.Length - 1] = 1;
        using var empty = _arena.Take(0);
        Assert.Equal(0, empty.Region.Length);
        Assert.Throws<ArgumentOutOfRangeException>(() => _arena.Take(-1));
    }

    [Fact]
    public void Memory_is_zeroed_although_pieces_of_the_chunk_were_used_and_given_back()
    {
        var before = _arena.Take(1000);
        new Span<byte>(before.Region.Pointer, 1000).Fill(7);
        before.Dispose();
        using var after = _arena.Take(1000);
        Assert.False(new Span<byte>(after.Region.Pointer, 1000).ContainsAnyExcept((byte)0));
    }

    [Fact]
    public void A_chunk_stays_while_one_of_its_pieces_is_in_use()
    {
        var first = _arena.Take(64);
        using var second = _arena.Take(64);
        second.Region.Pointer[0] = 3;
        first.Dispose();
        first.Dispose();
        using var third = _arena.Take(64);
        Assert.Equal(3, second.Region.Pointer[0]);
        Assert.Throws<ObjectDisposedException>(() => first.Region);
        Assert.True(second.Region.Pointer + 64 == third.Region.Pointer);
    }

    [Fact]
    public void What_is_given_back_is_not_kept_for_the_sake_of_other_pieces()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "only Linux is asked to take memory back");
        using var stays = _arena.Take(64);
        var goes = _arena.Take(1 << 20);
        var inside = goes.Region.Pointer + (1 << 19);
        inside[0] = 7;
        goes.Dispose();
        Assert.Equal(0, inside[0]);
    }

    [Fact]
    public void Threads_get_pieces_that_do_not_overlap()
    {
        var pieces = new ArenaPiece[64];
        Parallel.For(0, pieces.Length, i =>
        {
            pieces[i] = _arena.Take(4000);
            new Span<byte>(pieces[i].Region.Pointer, 4000).Fill((byte)(i + 1));
        });
        for (var i = 0; i < pieces.Length; i++)
        {
            Assert.False(new Span<byte>(pieces[i].Region.Pointer, 4000).ContainsAnyExcept((byte)(i + 1)));
            pieces[i].Dispose();
        }
    }
}
