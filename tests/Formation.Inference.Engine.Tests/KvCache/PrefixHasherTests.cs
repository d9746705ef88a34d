using Formation.Inference.Engine.KvCache;

namespace Formation.Inference.Engine.Tests.KvCache;

public sealed class PrefixHasherTests
{
    static readonly byte[] Secret = [.. Enumerable.Range(0, 32).Select(i => (byte)i)];
    readonly PrefixHasher _hasher = new(Secret, 4);

    [Fact]
    public void Equal_prompts_of_one_account_have_equal_keys() =>
        Assert.Equal(_hasher.KeysOf("a", [1, 2, 3, 4, 5, 6, 7, 8, 9]), _hasher.KeysOf("a", [1, 2, 3, 4, 5, 6, 7, 8, 10]));

    [Fact]
    public void Only_full_blocks_have_a_key() => Assert.Equal(2, _hasher.KeysOf("a", new int[11]).Length);

    [Fact]
    public void No_key_is_the_same_for_two_accounts() =>
        Assert.Empty(_hasher.KeysOf("a", new int[64]).Intersect(_hasher.KeysOf("b", new int[64])));

    [Fact]
    public void No_key_is_the_same_for_two_engines() =>
        Assert.Empty(_hasher.KeysOf("a", new int[64]).Intersect(new PrefixHasher(new byte[32], 4).KeysOf("a", new int[64])));

    [Fact]
    public void A_key_depends_on_everything_before_its_block()
    {
        var left = _hasher.KeysOf("a", [1, 2, 3, 4, 5, 6, 7, 8]);
        var right = _hasher.KeysOf("a", [1, 2, 3, 0, 5, 6, 7, 8]);
        Assert.Empty(left.Intersect(right));
    }

    [Fact]
    public void Equal_blocks_in_a_row_have_different_keys() => Assert.Equal(16, _hasher.KeysOf("a", new int[64]).Distinct().Count());

    [Fact]
    public void An_account_id_of_any_characters_and_length_gives_a_key() =>
        Assert.NotEqual(_hasher.Root(new string('é', 5000)), _hasher.Root(""));
}
