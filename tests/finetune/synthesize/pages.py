"""Pages of a small firm, as people write them: headings, tables, lists, questions, prose."""

SHOP = """# 青禾网店服务手册

## 退货政策

商品签收后7天内可以无理由退货。退货运费由买家承担，质量问题由本店承担。退款在收到退货后3个工作日内原路退回。

## 申请退货

申请退货需要提供以下材料：

- 订单编号
- 商品照片
- 退货原因

## 会员等级

| 等级 | 年消费额 | 折扣 | 备注 |
| --- | --- | --- | --- |
| 银卡 | 1000元 | 九五折 | 自动升级 |
| 金卡 | 5000元 | 九折 | 自动升级 |

## 客服什么时候上班？

客服的工作时间是每天9点到21点。节假日照常服务。

## 关于本店

青禾网店于2015年3月在杭州开业。仓库面积为12000平方米。

问：可以开发票吗？
答：可以开具电子发票，开票后24小时内发送到邮箱。
"""
DRONE = """# K200 无人机说明书

K200是一款面向测绘的四旋翼无人机。它重1.2公斤。

| 项目 | 数值 |
| --- | --- |
| 最大起飞重量 | 2.5公斤 |
| 续航时间 | 42分钟 |

## 安全

飞行高度不得超过120米，并始终保持在视线范围内。电量低于15%时应立即返航降落。电池充满需要90分钟。

起飞前的检查流程如下：

1. 检查螺旋桨
2. 检查电池电量
3. 校准指南针
"""
CAMERA = """# Lumo C1 camera manual

The Lumo C1 is a compact camera for travel. The battery lasts 340 minutes on one charge.

## Warranty

The warranty period is 24 months. Defective cameras must be returned within 30 days. \
The memory card can hold up to 4000 pictures.

The kit includes the following items:

- a charger
- a wrist strap
- a USB-C cable

## How to reset the camera

Hold the power button for ten seconds. The screen turns off and all settings are deleted.

## About the firm

Lumo Instruments was founded in 1998 in Turku.

-f, --format
    Format the memory card before the camera starts. All pictures on it are lost.
"""
TEA = """# Tea house notes

Green tea is a drink made from unfermented leaves. The shop opens at nine and the battery of the
till is charged at night.

## Brewing

The water must be boiled for 3 minutes. The leaves are used for every pot.
"""
PAGES = {"shop.md": SHOP, "drone.md": DRONE, "camera.md": CAMERA, "tea.md": TEA}
