using Formation.Inference.Engine.KvCache;

namespace Formation.Inference.Engine.Tests.KvCache;

public sealed class BlockPoolTests
{
    static PrefixKey Key(ulong value) => new(value, 0, 0, 0);

    [Fact]
    public void Every_block_is_handed_out_once_and_then_none_is_left()
    {
        var pool = new BlockPool(4);
        var blocks = Enumerable.Range(0, 4).Select(_ => pool.Allocate()).ToHashSet();
        Assert.Equal(4, blocks.Count);
        Assert.Equal(0, pool.FreeCount);
        Assert.Throws<InvalidOperationException>(() => pool.Allocate());
    }

    [Fact]
    public void A_published_block_is_found_again_after_its_holder_let_go()
    {
        var pool = new BlockPool(2);
        var block = pool.Allocate();
        pool.Publish(block, Key(1));
        pool.Release(block);

        Assert.Equal(2, pool.FreeCount);
        Assert.True(pool.TryFind(Key(1), out var found));
        Assert.Equal(block, found);
        pool.AddReference(found);
        Assert.Equal(1, pool.FreeCount);
    }

    [Fact]
    public void Empty_blocks_are_taken_before_cached_ones_and_then_the_one_released_first()
    {
        var pool = new BlockPool(3);
        var (first, second) = (pool.Allocate(), pool.Allocate());
        pool.Publish(first, Key(1));
        pool.Publish(second, Key(2));
        pool.Release(second);
        pool.Release(first);

        Assert.DoesNotContain(pool.Allocate(), new[] { first, second });
        Assert.Equal(second, pool.Allocate());
        Assert.False(pool.TryFind(Key(2), out _));
        Assert.True(pool.TryFind(Key(1), out _));
    }

    [Fact]
    public void A_shared_block_is_free_only_when_its_last_holder_lets_go()
    {
        var pool = new BlockPool(1);
        var block = pool.Allocate();
        pool.Publish(block, Key(1));
        pool.AddReference(block);
        pool.Release(block);
        Assert.Equal(0, pool.FreeCount);
        pool.Release(block);
        Assert.Equal(1, pool.FreeCount);
        Assert.Throws<InvalidOperationException>(() => pool.Release(block));
    }

    [Fact]
    public void Of_two_blocks_with_the_same_content_the_first_stays_the_one_that_is_found()
    {
        var pool = new BlockPool(2);
        var (first, second) = (pool.Allocate(), pool.Allocate());
        pool.Publish(first, Key(1));
        pool.Publish(second, Key(1));
        Assert.True(pool.TryFind(Key(1), out var found));
        Assert.Equal(first, found);

        pool.Release(second);
        Assert.Throws<InvalidOperationException>(() => pool.AddReference(second));
    }

    [Fact]
    public void The_audit_notices_a_block_that_no_table_holds()
    {
        var pool = new BlockPool(2);
        var table = new BlockTable();
        table.Add(pool.Allocate());
        pool.CheckIntegrity([table]);
        pool.Allocate();
        Assert.Throws<InvalidOperationException>(() => pool.CheckIntegrity([table]));
    }

    [Fact]
    public void The_audit_notices_a_block_in_two_tables_that_was_taken_once()
    {
        var pool = new BlockPool(2);
        var (left, right) = (new BlockTable(), new BlockTable());
        left.Add(pool.Allocate());
        right.Add(left[0]);
        Assert.Throws<InvalidOperationException>(() => pool.CheckIntegrity([left, right]));
    }

    [Fact]
    public void A_table_lets_go_of_its_last_block_first_so_that_prefixes_live_longest()
    {
        var pool = new BlockPool(3);
        var table = new BlockTable();
        for (ulong i = 0; i < 3; i++)
        {
            table.Add(pool.Allocate());
            pool.Publish(table[(int)i], Key(i));
        }

        table.ReleaseTo(pool);
        pool.Allocate();
        Assert.False(pool.TryFind(Key(2), out _));
        Assert.True(pool.TryFind(Key(1), out _));
        Assert.True(pool.TryFind(Key(0), out _));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Random_use_never_loses_or_doubles_a_block(int seed)
    {
        var random = new Random(seed);
        var pool = new BlockPool(16);
        var tables = new List<BlockTable>();
        for (var step = 0; step < 2000; step++)
        {
            if (random.Next(3) == 0 && tables.Count > 0)
            {
                var table = tables[random.Next(tables.Count)];
                table.ReleaseTo(pool);
                tables.Remove(table);
            }
            else
            {
                var table = new BlockTable();
                var key = Key((ulong)random.Next(24));
                if (pool.TryFind(key, out var found))
                    pool.AddReference(found);
                else if (pool.FreeCount > 0)
                    pool.Publish(found = pool.Allocate(), key);
                else
                    continue;
                table.Add(found);
                tables.Add(table);
            }

            pool.CheckIntegrity(tables);
        }
    }
}
