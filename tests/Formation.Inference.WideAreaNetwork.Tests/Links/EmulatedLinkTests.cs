using Formation.Inference.WideAreaNetwork.Links;

namespace Formation.Inference.WideAreaNetwork.Tests.Links;

public sealed class EmulatedLinkTests
{
    private const long Millisecond = 1_000_000;

    [Fact]
    public void A_packet_arrives_when_the_line_has_sent_it_and_the_delay_is_over()
    {
        var link = Link(new LinkSettings { Delay = TimeSpan.FromMilliseconds(10), BitsPerSecond = 12_000_000 });
        // 1500 bytes at 12 Mbit/s are one millisecond.
        Assert.Equal(111 * Millisecond, link.Admit(100 * Millisecond, 1500));
        Assert.Equal(212 * Millisecond, link.Admit(200 * Millisecond, 3000));
    }

    [Fact]
    public void Packets_that_come_together_leave_one_after_the_other()
    {
        var link = Link(new LinkSettings { BitsPerSecond = 12_000_000 });
        Assert.Equal([1, 2, 3], Enumerable.Range(0, 3).Select(_ => link.Admit(0, 1500) / Millisecond));
        // A line that has rested does not make up for it.
        Assert.Equal([101, 102], Enumerable.Range(0, 2).Select(_ => link.Admit(100 * Millisecond, 1500) / Millisecond));
    }

    [Fact]
    public void A_line_without_a_rate_sends_at_once()
    {
        var link = Link(new LinkSettings { Delay = TimeSpan.FromMilliseconds(3) });
        Assert.All(Enumerable.Range(0, 10_000), _ => Assert.Equal(5 * Millisecond, link.Admit(2 * Millisecond, 1500)));
    }

    [Fact]
    public void A_full_queue_drops_until_it_has_room_again()
    {
        var link = Link(new LinkSettings { BitsPerSecond = 12_000_000, Queue = TimeSpan.FromMilliseconds(4) });
        var first = Enumerable.Range(0, 8).Select(_ => link.Admit(0, 1500)).ToArray();
        // One on the line, and those that wait up to 4 ms.
        Assert.All(first[..5], due => Assert.NotEqual(EmulatedLink.Dropped, due));
        Assert.All(first[5..], due => Assert.Equal(EmulatedLink.Dropped, due));
        Assert.Equal(6 * Millisecond, link.Admit(Millisecond, 1500));
        Assert.Equal(EmulatedLink.Dropped, link.Admit(Millisecond, 1500));
        Assert.Equal(4, link.Traffic.Overflowed);
    }

    [Fact]
    public void What_a_sender_offers_beyond_the_rate_is_dropped_and_the_rate_is_used_in_full()
    {
        const long Rate = 200_000_000;
        var link = Link(new LinkSettings { BitsPerSecond = Rate });
        long bits = 0;
        // 300 Mbit/s for ten seconds.
        for (var now = 0L; now < 10_000 * Millisecond; now += 40_000)
            bits += link.Admit(now, 1500) == EmulatedLink.Dropped ? 0 : 1500 * 8;
        // All that was sent, and what waits in the queue of 50 ms.
        Assert.InRange(bits, Rate * 10, (Rate * 10) + (Rate / 20) + (1500 * 8));
    }

    [Fact]
    public void Packets_are_lost_as_often_as_set_and_the_same_ones_with_the_same_seed()
    {
        var settings = new LinkSettings { Loss = 0.02 };
        var lost = Lost(seed: 7);
        // Five standard deviations about 2 % of 50,000.
        Assert.InRange(lost.Count(one => one), 843, 1157);
        Assert.Equal(lost, Lost(seed: 7));
        Assert.NotEqual(lost, Lost(seed: 8));

        bool[] Lost(int seed)
        {
            var link = new EmulatedLink(new Lock(), settings, new Random(seed));
            var each = Enumerable.Range(0, 50_000).Select(_ => link.Admit(0, 100) == EmulatedLink.Dropped).ToArray();
            Assert.Equal(each.Count(one => one), link.Traffic.Lost);
            return each;
        }
    }

    [Fact]
    public void A_cut_link_drops_what_comes_and_what_is_on_its_way()
    {
        var link = Link(new LinkSettings { Delay = TimeSpan.FromMilliseconds(10) });
        Assert.Equal(10 * Millisecond, link.Admit(0, 1500));
        link.Settings = link.Settings with { IsCut = true };
        Assert.Equal(EmulatedLink.Dropped, link.Admit(5 * Millisecond, 1500));
        Assert.False(link.Arrives(1500, refused: false));
        Assert.Equal(2, link.Traffic.Cut);

        link.Settings = link.Settings with { IsCut = false };
        Assert.True(link.Arrives(1500, refused: false));
        Assert.Equal(new LinkTraffic(Packets: 1, Bytes: 1500, Overflowed: 0, Lost: 0, Cut: 2, Refused: 0), link.Traffic);
    }

    [Fact]
    public void Settings_that_mean_nothing_are_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new LinkSettings { Delay = TimeSpan.FromTicks(-1) });
        Assert.Throws<ArgumentOutOfRangeException>(() => new LinkSettings { Queue = TimeSpan.FromHours(1) });
        Assert.Throws<ArgumentOutOfRangeException>(() => new LinkSettings { BitsPerSecond = 0 });
        Assert.Throws<ArgumentOutOfRangeException>(() => new LinkSettings { Loss = 1.01 });
        Assert.Throws<ArgumentOutOfRangeException>(() => new LinkSettings { Loss = double.NaN });
    }

    private static EmulatedLink Link(LinkSettings settings) => new(new Lock(), settings, new Random(1));
}
